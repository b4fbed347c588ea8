/** The handbook, which the build puts into the executable. */
declare module "*/embedded-handbook/handbook.txt" {
  const text: string;
  export default text;
}
