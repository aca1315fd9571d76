/** Imported before a program, gives it the fault that MUTATION names. */
import { mutate } from "./mutations.ts";

mutate(process.env.MUTATION!);
