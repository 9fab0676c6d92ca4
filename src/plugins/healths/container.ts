import { defineHealth } from "../../core/define.ts"
import { Docker } from "../docker/docker.ts"
import { findGroup } from "../docker/group.ts"
import { composeOptions, targetSchema } from "../docker/options.ts"

/** The health check that the containers of a Compose service have themselves. */
export const container = defineHealth({
  type: "container",
  summary: "the own health checks of a Compose service's containers succeed",
  options: targetSchema(),
  open: (written, context) => {
    const options = composeOptions(written)
    const docker = new Docker(options, context)
    const label = `the health check of compose ${options.services.join(", ")}`
    return {
      label,
      runs: { argv: docker.compose, folder: context.folder },
      healthy: async (signal) => {
        const { containers } = await findGroup(docker, options, signal)
        for (const { name, state, health } of containers) {
          if (state !== "running") return `container ${name} is ${state}`
          if (health === undefined)
            return (
              `container ${name} has no health check of its own (add one to the compose file, ` +
              "or name another under healthy)"
            )
          if (health !== "healthy") return `container ${name} is ${health} by its own health check`
        }
        return true
      },
    }
  },
})
