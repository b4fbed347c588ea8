/** The handbook, which the build puts into the executable. */
declare module "*/embedded-handbook/handbook.gz" {
  /** Its path inside of the executable. */
  const path: string;
  export default path;
}
