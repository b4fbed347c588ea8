/** Pages of a list as the operator asks for them, and what an answer says about itself. */
import { Type } from "typebox";

/** Members of the input of a list; the operation says what they may be. */
export const page = { current_page: Type.Optional(Type.Integer()), per_page: Type.Optional(Type.Integer()) };

export const PageMeta = Type.Object({ current_page: Type.Integer(), per_page: Type.Integer(), total_count: Type.Integer() });
