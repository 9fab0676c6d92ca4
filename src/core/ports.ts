/** What the outside implements: services, outputs, deployments; each in a file of its own. */

export type { Credential, Fields, Versions } from "./credential.ts"
export type {
  Containing,
  Driver,
  Forgotten,
  Heard,
  OthersRevoked,
  Probe,
  Settling,
  UnderWay,
} from "./driver.ts"
export type { Finding } from "./finding.ts"
export type { Draft, Former, IssuedVersions, Output, OutputWait, Ready, Values } from "./output.ts"
export type { MakeText, PluginContext, Reference, Trial } from "./plugin-context.ts"
export type { Deployment, Health, Inspection, Reader, Restarter } from "./programs.ts"
