import { chmod, mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { debianPackages, libraryPath } from "../servers/debian.ts"

/**
 * Debian's cron with a number of lines for one user, none of which is due, among mounts of its own: it
 * knows no other folder than /var/spool/cron. Or why there is none here.
 */
export async function cronWith(
  lines: number,
  folder: string,
): Promise<
  | { readonly argv: readonly string[]; readonly env: Readonly<Record<string, string>> }
  | { readonly why: string }
> {
  if (process.getuid?.() !== 0) return { why: "only root can give it mounts of its own" }
  const entry = await debianPackages("cron", ["cron"])
  if ("why" in entry) return entry
  const spool = join(folder, "spool")
  await mkdir(join(spool, "crontabs"), { recursive: true })
  await chmod(join(spool, "crontabs"), 0o1730)
  await mkdir(join(folder, "empty"))
  await writeFile(join(spool, "crontabs", "root"), "0 3 1 1 * true\n".repeat(lines), {
    mode: 0o600,
  })
  const program =
    'mkdir -p /var/spool/cron /etc/cron.d; mount --bind "$1" /var/spool/cron && mount --bind ' +
    '"$2" /etc/cron.d && mount -t tmpfs tmpfs /run && echo started && exec "$3" -f'
  return {
    argv: [
      "unshare",
      "-m",
      "sh",
      "-c",
      program,
      "sh",
      spool,
      join(folder, "empty"),
      join(entry.folder, "usr/sbin/cron"),
    ],
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LD_LIBRARY_PATH: libraryPath(entry.folder) },
  }
}
