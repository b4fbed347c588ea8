/** A migration's text, imported `with { type: "text" }` so that it is inside the executable. */
declare module "*.sql" {
  const text: string;
  export default text;
}
