/** Writes the documents that follow from the declarations of the commands: `npm run docs`. */
import { writeFileSync } from "node:fs";
import { DOCUMENTS } from "./documents.ts";

for (const [path, render] of DOCUMENTS) writeFileSync(path, render());
