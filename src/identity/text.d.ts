/** A list of words, imported `with { type: "text" }` so that it is inside the executable. */
declare module "*.txt" {
  const text: string;
  export default text;
}
