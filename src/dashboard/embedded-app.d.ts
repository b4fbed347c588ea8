/** The dashboard's script, which the build puts into the executable: compressed. */
declare module "*/embedded-app/app.gz" {
  /** Its path inside of the executable. */
  const path: string;
  export default path;
}
