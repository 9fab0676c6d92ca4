/** A journald of the test's own, in a mount namespace with a /run of its own: only root may make one. */

const daemon = "/usr/lib/systemd/systemd-journald"

/** undefined where one can be had. */
export const whyNoJournald: string | undefined = tryIt()

function tryIt(): string | undefined {
  for (const program of ["unshare", "journalctl", daemon])
    if (Bun.which(program) === null) return `${program} is not installed`
  const { exitCode } = Bun.spawnSync(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/run"], {
    stdio: ["ignore", "ignore", "ignore"],
  })
  return exitCode === 0 ? undefined : "no mount namespace can be made here"
}

/**
 * What a program is run under: it begins when journald listens; `after` (of /bin/sh, with $J as
 * journalctl) runs when it has ended.
 */
export function underJournald(after: string): readonly string[] {
  const script = [
    "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal /run/log/journal || exit 90",
    `${daemon} 2> /dev/null & daemon=$!`,
    "n=0; until [ -S /run/systemd/journal/stdout ]; do n=$((n + 1)); " +
      "[ $n -lt 200 ] || exit 91; sleep 0.05; done",
    '"$@"; code=$?',
    "J='journalctl -D /run/log/journal --no-pager -q'",
    // What was sent is written when journald comes to it.
    "n=0; until $J -t mycelium-audit | grep -q . || [ $n -ge 100 ]; do n=$((n + 1)); sleep 0.05; done",
    after,
    "kill $daemon; wait $daemon; exit $code",
  ]
  return ["unshare", "-m", "/bin/sh", "-c", script.join("\n"), "sh"]
}
