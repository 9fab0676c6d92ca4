export { ReferenceOptions } from "./options.ts"
export { findingsOf, readReference } from "./read.ts"
