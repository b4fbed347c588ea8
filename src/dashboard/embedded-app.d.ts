/** The dashboard's script, which the build puts into the executable: compressed, in base64. */
declare module "*/embedded-app/app.gz" {
  const text: string;
  export default text;
}
