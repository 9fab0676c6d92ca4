import { kinds } from "./kinds.ts"
import { outputSuite } from "./suite.ts"

for (const [name, kind] of Object.entries(kinds)) outputSuite(name, kind)
