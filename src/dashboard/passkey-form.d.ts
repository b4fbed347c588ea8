/** The one script of the pages, imported as text and served as it is. */
declare const text: string;
export default text;
