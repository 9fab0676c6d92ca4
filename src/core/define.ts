import type { ZodObject, ZodType, output } from "zod"
import type { ActivityScope } from "../base/activity-scope.ts"
import type { RunOptions, RunResult } from "../base/processes/spawn.ts"
import type { EntryInspection, Readers } from "./entry.ts"
import type { Host } from "../base/system/host.ts"
import type { Shape as ValueShape } from "../base/text/value-shape.ts"
import type { Driver, Finding, Health, Output, PluginContext, Restarter } from "./ports.ts"

/**
 * A plug-in is data and one `open`; importing it does nothing. Adding one is a file (or a folder)
 * and a line in its registry.
 */

export type DriverType<Shape extends ZodObject = ZodObject> = {
  /** The name in the config: `driver: postgres`, or the secret's own name. */
  readonly type: string
  readonly summary: string
  /**
   * A strict object; the keys that every secret has (`driver`, `rotate_every`, `grace`, `tags`) are
   * added by the config.
   */
  readonly options: Shape
  /** What templates can show of it; ["password"] if left out. */
  readonly fields?: readonly string[]
  /** And what these options add to that. */
  moreFields?(options: output<Shape>): readonly string[]
  /** How its values are made, where it makes them. */
  shape?(options: output<Shape>): ValueShape
  /** "unknown" where only the service (or the program) can say. */
  overlap(options: output<Shape>): Driver["overlap"] | "unknown"
  /**
   * Where it is: the number of secrets of one server that are worked on at once. Left out where nothing is
   * asked.
   */
  server?(options: output<Shape>): string
  /** Every server that keeps the login, by its address. Left out where no server is asked. */
  places?(options: output<Shape>): readonly string[]
  /**
   * Ports of this machine to which a password goes as it is: only who listens there keeps it from
   * others.
   */
  inClear?(options: output<Shape>): readonly string[]
  /**
   * What belongs to one secret alone: "postgresql://db:5432 role shop"; each of them, where it has
   * more than one.
   */
  logins(options: output<Shape>): readonly string[]
  /**
   * Two users that take turns: each rotation changes the user name, too. Left out, or empty: the
   * name stays.
   */
  turns?(options: output<Shape>): readonly string[]
  open(options: output<Shape>, context: PluginContext): Driver
}

/**
 * Options of the other plug-ins, by a schema of their own; relative paths in them are resolved
 * against `reach.folder` at `open`.
 */
export type PluginType<Schema extends ZodType, Port, Context = LocalContext> = {
  readonly type: string
  readonly summary: string
  readonly options: Schema
  open(options: output<Schema>, context: Context): Port
}
export type LocalContext = {
  /** The folder of the config: what relative paths are relative to. */
  readonly folder: string
  /** "production": names the environment in errors. */
  readonly label: string
}
/**
 * What runs programs may hand on a few named variables of our environment (HOME, DOCKER_HOST, …),
 * never all of them.
 */
export type HookContext = LocalContext & { readonly env: (name: string) => string | undefined }

/** What an entry needs to log in at its manager. */
export type ManagerContext = Pick<PluginContext, "host" | "credential"> & {
  /** Lasts as long as a turn: one login a turn, ended at its end, not one a call. */
  readonly activity?: ActivityScope
}
/** `manager`: there wherever an output may be asked, which a file needs nothing of. */
export type OutputContext = LocalContext & { readonly manager?: ManagerContext }
export type OutputType<Schema extends ZodType = ZodType> = PluginType<
  Schema,
  Output,
  OutputContext
> & {
  /** It is an entry of a secret manager: what is about files is not asked of it. */
  readonly entry?: true
  /**
   * The file that it writes, absolute, or the entry's id: for cross-checks, before anything is
   * opened, and without asking anyone.
   */
  target(options: output<Schema>, folder: string): string
  /** Of an entry: how long programs may go on with what they have read; undefined: not said. */
  readers?(options: output<Schema>): Readers | undefined
  /** The files that it writes, absolute, where those are not the target itself. */
  files?(options: output<Schema>, folder: string): readonly string[]
  /**
   * Where the options name another file that is part of the config (a template): which. `embed`
   * gives the options, as written, with its text in them: what is judged, opened, and kept in a
   * journal.
   */
  readonly source?: {
    from(options: output<Schema>): string | undefined
    embed(raw: unknown, text: string): unknown
  }
  /** The secrets that its templates name, and what is wrong with the templates, said for people. */
  inspect(options: output<Schema>): {
    readonly shows: readonly string[]
    readonly problems: readonly {
      readonly path: readonly (string | number)[]
      readonly message: string
    }[]
  }
}
export type RestarterType<Schema extends ZodType = ZodType> = PluginType<
  Schema,
  Restarter,
  HookContext
>
export type HealthType<Schema extends ZodType = ZodType> = PluginType<Schema, Health, HookContext>

/** What a reference may use to read its credential. */
export type ReferenceReach = {
  /** What relative paths are relative to. */
  readonly folder: string
  /** One variable of our own environment. */
  env(name: string): string | undefined
  run(argv: readonly string[], options: RunOptions): Promise<RunResult>
  /** Names the credential in messages; what it is for. */
  readonly label?: string
  /** Left out: no answer is waited for a second time. */
  readonly host?: Pick<Host, "now" | "monotonicMs" | "pause">
  /** A login may be kept for the next credential as long as this runs. Left out: none is. */
  readonly activity?: ActivityScope
}

export type ReferenceType<Schema extends ZodType = ZodType> = {
  /** Its key in the config: `{ file: … }`. */
  readonly type: string
  readonly summary: string
  /** A strict map with that key alone. */
  readonly options: () => Schema
  /** Where the credential is, for people: "the variable X". */
  place(options: output<Schema>, folder: string): string
  /** The credential as it stands there. */
  read(options: output<Schema>, reach: ReferenceReach): Promise<string>
  /** Absolute: the file that holds it, where one does. */
  file?(options: output<Schema>, folder: string): string
  /** The variable that holds it, where one does. */
  variable?(options: output<Schema>): string
  /** What is wrong with it though it can be read, as far as this machine tells. */
  findings?(options: output<Schema>, folder: string): Promise<readonly Finding[]>
  /**
   * For `check --connect`, where a manager holds it: as whom we are known there; reads it, and lets
   * nothing out.
   */
  inspect?(
    options: output<Schema>,
    reach: ReferenceReach,
    signal: AbortSignal,
  ): Promise<EntryInspection>
}

export function defineReference<Schema extends ZodType>(
  type: ReferenceType<Schema>,
): ReferenceType<Schema> {
  return type
}
export function defineDriver<Shape extends ZodObject>(type: DriverType<Shape>): DriverType<Shape> {
  return type
}
export function defineOutput<Schema extends ZodType>(type: OutputType<Schema>): OutputType<Schema> {
  return type
}
export function defineRestarter<Schema extends ZodType>(
  type: RestarterType<Schema>,
): RestarterType<Schema> {
  return type
}
export function defineHealth<Schema extends ZodType>(type: HealthType<Schema>): HealthType<Schema> {
  return type
}
