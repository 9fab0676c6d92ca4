/** Where a server's programs lie, and what they need to run from there; or why they cannot be had here. */
export type Found = Programs | Missing
export type Programs = {
  readonly found: true
  /** The folder of the server's programs. */
  readonly bin: string
  readonly version: string
  /**
   * Where the programs are not the system's own: the folder that must stay together, should
   * somebody copy them.
   */
  readonly root?: string
  /** Variables that the programs need, LD_LIBRARY_PATH for instance. */
  readonly env: Readonly<Record<string, string>>
  /** For people: "PostgreSQL 15.18 in /usr/lib/postgresql/15/bin". */
  readonly message: string
}
export type Missing = { readonly found: false; readonly why: string }

export function missing(why: string): Missing {
  return { found: false, why }
}
