import example from "../../config/example.yaml" with { type: "text" }
import aws from "./aws.md" with { type: "text" }
import azure from "./azure.md" with { type: "text" }
import commands from "./commands.md" with { type: "text" }
import compose from "./compose.md" with { type: "text" }
import container from "./container.md" with { type: "text" }
import drivers from "./drivers.md" with { type: "text" }
import exec from "./exec.md" with { type: "text" }
import firstRotation from "./first-rotation.md" with { type: "text" }
import google from "./google.md" with { type: "text" }
import incident from "./incident.md" with { type: "text" }
import measurements from "./measurements.md" with { type: "text" }
import metrics from "./metrics.md" with { type: "text" }
import notices from "./notices.md" with { type: "text" }
import operations from "./operations.md" with { type: "text" }
import outputs from "./outputs.md" with { type: "text" }
import recovery from "./recovery.md" with { type: "text" }
import restarts from "./restarts.md" with { type: "text" }
import security from "./security.md" with { type: "text" }
import temporal from "./temporal.md" with { type: "text" }
import unit from "./unit.md" with { type: "text" }
import vault from "./vault.md" with { type: "text" }

export type Page = { readonly name: string; readonly text: string }

/**
 * The manual, in the order in which it is read; embedded when the binary is built. A page is a
 * Markdown file beside this one
 * and two lines here. It costs a start nothing: `mycelium help` alone loads this module.
 */
export const pages: readonly Page[] = [
  { name: "first-rotation", text: firstRotation },
  { name: "drivers", text: drivers },
  { name: "exec", text: exec },
  { name: "temporal", text: temporal },
  { name: "outputs", text: outputs },
  { name: "vault", text: vault },
  { name: "aws", text: aws },
  { name: "azure", text: azure },
  { name: "google", text: google },
  { name: "restarts", text: restarts },
  { name: "compose", text: compose },
  { name: "incident", text: incident },
  { name: "recovery", text: recovery },
  { name: "operations", text: operations },
  { name: "notices", text: notices },
  { name: "metrics", text: metrics },
  { name: "unit", text: unit },
  { name: "container", text: container },
  { name: "security", text: security },
  { name: "commands", text: commands },
  { name: "measurements", text: measurements },
]

/** config/example.yaml. */
export const exampleConfig = String(example)
