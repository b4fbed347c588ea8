/** A license file imported `with { type: "text" }`. */
declare module "*.lic" {
  const text: string;
  export default text;
}
