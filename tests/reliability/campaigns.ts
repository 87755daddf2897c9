import { histories } from "../model/histories.ts";
import { pauses } from "../model/pauses.ts";
import type { Campaign } from "./campaign.ts";
import { errors } from "./errors.ts";
import { powerCut } from "./power-cut.ts";
import { sequences } from "./sequences.ts";

/** Every campaign, by the numbers of the tests. */
export const campaigns: readonly Campaign[] = [powerCut, errors, histories, pauses, sequences];
