import type { Host } from "../base/system/host.ts"
import type { Deployment } from "../core/ports.ts"
import { askHealth, throwIfStopped } from "./ask-health.ts"

const lookMs = 5000
const pauseMs = 500

/**
 * One look before a rotation, with a second one after a short pause: one lost packet blocks
 * nothing. A deployment without a check counts as healthy.
 */
export async function isHealthy(
  deployment: Deployment,
  host: Host,
  signal: AbortSignal,
): Promise<true | string> {
  if (deployment.health === undefined) return true
  const first = await askHealth(deployment.health, lookMs, signal)
  if (first === true) return true
  throwIfStopped(signal)
  await host.pause(pauseMs, signal)
  throwIfStopped(signal)
  const second = await askHealth(deployment.health, lookMs, signal)
  if (second !== true) throwIfStopped(signal)
  return second
}
