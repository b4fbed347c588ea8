/** The handbook, which the build puts into the executable. */
declare module "*/embedded-handbook/handbook.gz" {
  const text: string;
  export default text;
}
