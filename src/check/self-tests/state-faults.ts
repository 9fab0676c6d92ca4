import { otherMycelium } from "../../core/drift.ts"
import type { Fault } from "./check.ts"

/** What the check of the state can find, and what to do about each. */

export type Code =
  | "not-contained"
  | "driver-differs"
  | "sessions-may-live"
  | "server-left"
  | "promoted-unhealthy"
  | "output-owed"
  | "journal-open"
  | "journal-stuck"
  | "retrying"
  | "back-unhealthy"
  | "revoke-overdue"
  | "uncertain"
  | "state-unlisted"
  | "debt-unlisted"
  | "current-refused"
  | "none-accepted"
  | "rotation-overdue"

export const faults: Readonly<Record<Code, Fault>> = {
  "not-contained": {
    severity: "error",
    remedy:
      "put right what it names, then run the same rotate-now --contain again, " +
      "with --incident and its name: it carries on, and does nothing twice",
  },
  "driver-differs": {
    severity: "error",
    remedy:
      "put the former driver back, with its options; or end the old login by hand, then mycelium " +
      "delete ENV/SECRET --login-ended --yes, then rotate-now ENV/SECRET --new",
  },
  "sessions-may-live": {
    severity: "warning",
    remedy:
      "end them at the service by hand, or give mycelium the right to; " +
      "then run the same rotate-now --contain again, with --incident and its name",
  },
  "server-left": {
    severity: "warning",
    remedy: "mycelium reconcile ENV --gone SERVER, once that server is gone for good",
  },
  "promoted-unhealthy": {
    severity: "error",
    remedy:
      "look at that program's log, and restart it so that it reads its files again; " +
      "mycelium rotate-now on the secret then proves it, and ends this",
  },
  "output-owed": {
    severity: "error",
    remedy:
      "put that file right (mycelium explain CODE); then mycelium run, " +
      "or the same containment again, writes it and restarts the programs that read it",
  },
  "journal-open": {
    severity: "warning",
    remedy: "if no mycelium is at work: mycelium run, or the same rotate-now again, ends it",
  },
  "journal-stuck": {
    severity: "error",
    remedy:
      "mycelium status says what holds it up; mycelium run (or run --once) asks the service " +
      "again, and ends it if nothing else does; if the service refuses every value: " +
      "mycelium adopt ENV --ask",
  },
  retrying: {
    severity: "warning",
    remedy:
      "put right what it names; mycelium run tries it again once it is due, mycelium rotate-now at once",
  },
  "back-unhealthy": {
    severity: "error",
    remedy:
      "look at that program's log, and restart it so that it reads its files again; " +
      "mycelium rotate-now on the secret then proves it, and ends this",
  },
  "revoke-overdue": {
    severity: "error",
    remedy:
      "mycelium run --once says what holds it up: an unhealthy program, a service that does not answer, " +
      "or that mycelium run was not running; until that is put right an old value is accepted",
  },
  uncertain: {
    severity: "warning",
    remedy:
      "mycelium run asks the service until it refuses that value; if it never does, take it away by hand",
  },
  "current-refused": {
    severity: "error",
    remedy:
      "mycelium reconcile finds out which known version works; mycelium adopt takes over a " +
      `value that a person has set; ${otherMycelium}`,
  },
  "none-accepted": {
    severity: "warning",
    remedy:
      "mycelium adopt takes over the value that the output shows, if its service accepts it; " +
      "mycelium rotate-now --new makes a first one if none is in use",
  },
  "rotation-overdue": {
    severity: "error",
    remedy: "see that mycelium run is running; mycelium status says what keeps it",
  },
  "debt-unlisted": {
    severity: "error",
    remedy: "put it back into the config, then mycelium run ends what is owed",
  },
  "state-unlisted": {
    severity: "warning",
    remedy: "put it back into the config, or erase it: mycelium delete",
  },
}
