/** Style sheets are imported as text and served by the API role itself. */
declare module "*.css" {
  const text: string;
  export default text;
}
