import { AppError } from "../../../base/error.ts"
import type { Credential, Probe } from "../../../core/ports.ts"
import { passwordOf, roleOf, storedVerifierOf } from "./candidate.ts"
import { connectTo, type Place, probeName } from "./place.ts"
import { readStored } from "./stored.ts"
import { isRefusedPassword, ServerError } from "./server-error.ts"

/** A fresh login with `candidate`. Version 0, of which only the stored form is known, is judged by the admin's view. */
export async function probe(place: Place, candidate: Credential, signal: AbortSignal): Promise<Probe> {
  try {
    const stored = storedVerifierOf(candidate)
    return stored === undefined ? await logIn(place, candidate, signal) : await compare(place, roleOf(place, candidate), stored, signal)
  } catch (error) {
    // What is no error of ours is a mistake in the program and must not pass for an answer.
    if (error instanceof AppError) return "unknown"
    throw error
  }
}

async function logIn(place: Place, candidate: Credential, signal: AbortSignal): Promise<Probe> {
  const password = passwordOf(candidate)
  if (password === undefined) return "unknown"
  try {
    const connection = await connectTo(place, { user: roleOf(place, candidate), password, applicationName: probeName }, signal)
    await connection.close()
    return "accepted"
  } catch (error) {
    if (isRefusedPassword(error)) return "refused"
    // The password was right; it was the database that did not exist or let this role in.
    if (error instanceof ServerError && error.authenticated && (error.sqlstate === "3D000" || error.sqlstate === "42501")) return "accepted"
    throw error
  }
}

async function compare(place: Place, role: string, verifier: string, signal: AbortSignal): Promise<Probe> {
  if (place.options.admin === undefined) return "unknown"
  const now = await readStored(place, role, signal)
  if (now.verifier === undefined) return "unknown"
  return now.verifier === verifier ? "accepted" : "refused"
}
