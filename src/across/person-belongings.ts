/** What stands for people, over all domains, from the right to the left, because what is on the right refers to the left. */
import { credentialPersonBelongings } from "../credentials/person-belongings.ts";
import { identityBelongings, type PersonBelongings } from "../identity/person-belongings.ts";
import { oidcBelongings } from "../oidc/person-belongings.ts";
import { teamPersonBelongings } from "../teams/person-belongings.ts";

export const personBelongings: readonly PersonBelongings[] = [oidcBelongings, credentialPersonBelongings, teamPersonBelongings, identityBelongings];
