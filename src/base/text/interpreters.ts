import { isAssignment } from "./shell-line.ts"

/**
 * Programs that run another file or command which their arguments name, known by their names: where
 * in the arguments it stands.
 */

/** What the arguments of one program lead to. */
export type Named =
  /**
   * A command of its own: "nice -n 5 PROGRAM …". `maybe`: where it begins if the first of these words
   * is the value of an option that is not known.
   */
  | { readonly command: readonly string[]; readonly maybe?: readonly string[] }
  /** A text for the shell. */
  | { readonly shell: string }
  /** Files that are run or loaded as code. */
  | { readonly scripts: readonly string[] }

/** `valued`: options whose value is the next argument. */
type Wrapper = {
  readonly valued?: string
  /** Arguments that stand before the command, besides options: the time of `timeout`. */
  readonly before?: number
  /** `-c` is followed by a text for the shell. */
  readonly takesText?: true
  /** Which of them names the user that the command runs as: an option, or the first argument. */
  readonly user?: readonly string[] | "first"
}

const wrappers: Readonly<Record<string, Wrapper>> = {
  env: { valued: "-u --unset -C --chdir" },
  nice: { valued: "-n --adjustment" },
  ionice: { valued: "-c -n --class --classdata" },
  chrt: { valued: "-T -P -D", before: 1 },
  taskset: { before: 1 },
  setsid: {},
  nohup: {},
  timeout: { valued: "-k --kill-after -s --signal", before: 1 },
  stdbuf: { valued: "-i -o -e --input --output --error" },
  time: { valued: "-f -o --format --output" },
  flock: { valued: "-w --timeout -E --conflict-exit-code", before: 1, takesText: true },
  xargs: {
    valued: "-a --arg-file -d --delimiter -E -I -i -L --max-lines -n --max-args -P --max-procs -s",
  },
  unshare: { valued: "--wd --root --setuid --setgid" },
  nsenter: { valued: "-t --target --setuid --setgid" },
  chroot: { before: 1 },
  strace: { valued: "-o -e -p -s -E -u" },
  tini: { valued: "-p -e" },
  "dumb-init": { valued: "-r" },
  busybox: {},
  exec: { valued: "-a" },
  command: {},
  builtin: {},
  "systemd-run": {
    valued:
      "-p --property -u --unit -E --setenv --uid --gid --slice --description --service-type " +
      "--working-directory",
    user: ["--uid"],
  },
  prlimit: {},
  sudo: { valued: "-u --user -g --group -h -p -C -T -r -t -D -R", user: ["-u", "--user"] },
  doas: { valued: "-u -C", user: ["-u"] },
  runuser: { valued: "-u --user -g -G --group", user: ["-u", "--user"] },
  setpriv: { valued: "--reuid --regid --ruid --euid --groups", user: ["--reuid", "--euid"] },
  "su-exec": { before: 1, user: "first" },
  gosu: { before: 1, user: "first" },
  chpst: { valued: "-u -U -b -e -/ -n -l -L -m -d -o -p -f -c", user: ["-u"] },
}

const shells = new Set("sh bash dash ash ksh mksh zsh".split(" "))

/** By interpreter, its options that take a value. A value that is a path counts as loaded. */
const valuedOptions: Readonly<Record<string, string>> = {
  sh: "-o +o",
  bash: "-o +o -O +O --rcfile --init-file",
  zsh: "-o +o",
  python: "-W -X -Q --check-hash-based-pycs",
  pypy: "-W -X",
  node: "-r --require --import --loader --experimental-loader -C --conditions --env-file",
  bun: "-r --preload --require --import --env-file -c --config --cwd",
  deno: "-c --config --import-map --preload",
  perl: "-I -M -m",
  ruby: "-I -r -C -E",
  php: "-c -d -z",
  lua: "-l",
  awk: "-v -F",
  tclsh: "",
  Rscript: "",
  java: "-cp -classpath --class-path",
  make: "-C -j -I",
}

/** An option with which the next argument names the file itself. */
const fileOptions: Readonly<Record<string, string>> = {
  php: "-f",
  awk: "-f --file",
  java: "-jar",
  make: "-f --file --makefile",
}

/** A text of the language's own: what it loads is not looked at. */
const textOptions: Readonly<Record<string, string>> = {
  python: "-c -m",
  pypy: "-c -m",
  node: "-e --eval -p --print -pe",
  bun: "-e --eval -p --print",
  perl: "-e -E",
  ruby: "-e",
  php: "-r",
  lua: "-e",
}

const subcommands = new Set(["run", "x"])

/** What `argv` leads to besides its own program; nothing where its name says nothing. */
export function namedBy(argv: readonly string[]): Named | undefined {
  const [program = "", ...rest] = argv
  const name = nameOf(program)
  if (name === "su") return throughSu(rest)
  if (name === "eval") return { shell: rest.join(" ") }
  if (name === "." || name === "source") return { scripts: rest.slice(0, 1) }
  if (name === "trap") return { shell: rest.find((word) => !word.startsWith("-")) ?? "" }
  if (name === "run-parts") return { scripts: rest.filter((word) => !word.startsWith("-")) }
  if (name === "script") return { shell: afterOption(rest, /^-[a-z]*c$|^--command$/) }
  if (name === "find") return { command: executedBy(rest) }
  if (name === "start-stop-daemon")
    return { scripts: valuesOf(rest, "-x --exec -a --startas").filter((one) => one !== "") }
  const wrapper = wrappers[name]
  if (wrapper !== undefined) return throughWrapper(wrapper, rest)
  if (shells.has(name)) return throughShell(name, rest)
  return valuedOptions[name] === undefined ? undefined : throughInterpreter(name, rest)
}

/** Does it run what it reads from its standard input? */
export function runsInput(argv: readonly string[]): boolean {
  const [program = "", ...rest] = argv
  const name = nameOf(program)
  const wrapper = wrappers[name]
  if (wrapper !== undefined) {
    const named = throughWrapper(wrapper, rest)
    if (!("command" in named)) return false
    // What xargs reads is put behind the command, or into it.
    if (name === "xargs") return isShellOf(named.command)
    return runsInput(named.command) || (named.maybe !== undefined && runsInput(named.maybe))
  }
  if (name === "." || name === "source") return rest.length === 0 || isStandardInput(rest[0])
  if (shells.has(name)) {
    const named = throughShell(name, rest)
    const isAsked = rest.some((word) => /^-[a-z]*s[a-z]*$/.test(word))
    return "scripts" in named && (isAsked || named.scripts.every(isStandardInput))
  }
  if (valuedOptions[name] === undefined || name === "make" || name === "awk") return false
  const texts = wordsOf(textOptions[name])
  const scripts = throughInterpreter(name, rest)
  return (
    !rest.some((word) => texts.has(word)) &&
    "scripts" in scripts &&
    scripts.scripts.every(isStandardInput)
  )
}

export function isStandardInput(path: string | undefined): boolean {
  return path === "-" || path === "/dev/stdin" || path === "/proc/self/fd/0"
}

/** "sh -c", or "sh -c {}": each word that is read is a text for the shell. */
function isShellOf([program = "", ...rest]: readonly string[]): boolean {
  if (!shells.has(nameOf(program))) return false
  const named = throughShell(nameOf(program), rest)
  return !("shell" in named) || named.shell === "" || /^["']?\{\}/.test(named.shell)
}

/** "python3.11" is python; "bash-5.2" is bash. */
function nameOf(program: string): string {
  const name = program.slice(program.lastIndexOf("/") + 1)
  const plain = name.replace(/[-\d.]+$/, "")
  return plain === "" ? name : plain
}

function throughWrapper(
  { valued, before = 0, takesText, user }: Wrapper,
  rest: readonly string[],
): Named {
  const takes = wordsOf(valued)
  let at = 0
  /** Where the last option stood that is not known to take a value. */
  let unknown: number | undefined
  let first: string | undefined
  for (let left = before; at < rest.length; at++) {
    const word = rest[at] ?? ""
    const split = /^(?:-S|--split-string=?|-vS)(.*)$/.exec(word)
    if (split !== null) return { shell: [split[1], ...rest.slice(at + 1)].join(" ") }
    if (word === "-c" && takesText === true) return { shell: rest[at + 1] ?? "" }
    if (takes.has(word)) at++
    else if (isAssignment(word)) continue
    else if (word.startsWith("-")) unknown = at
    else if (left > 0) {
      first ??= word
      left--
    } else break
  }
  const as = user === "first" ? first : userIn(rest.slice(0, at), user)
  if (isOther(as)) return { command: [] }
  const mayBeValue = unknown !== undefined && unknown === at - 1 && before === 0
  return { command: rest.slice(at), ...(mayBeValue ? { maybe: rest.slice(at + 1) } : {}) }
}

function afterOption(words: readonly string[], option: RegExp): string {
  const at = words.findIndex((word) => option.test(word))
  return at < 0 ? "" : (words[at + 1] ?? "")
}

/** The values of these options, in a word of their own or behind "=". */
function valuesOf(words: readonly string[], options: string): readonly string[] {
  const all = wordsOf(options)
  return words.flatMap((word, at) => {
    if (all.has(word)) return [words[at + 1] ?? ""]
    const [name = "", value] = word.split("=")
    return value !== undefined && all.has(name) ? [value] : []
  })
}

/** What `find` runs on what it finds; where that is the file itself, its folder stands for it. */
function executedBy(words: readonly string[]): readonly string[] {
  const at = words.findIndex((word) => /^-(exec|execdir|ok|okdir)$/.test(word))
  if (at < 0) return []
  const command = words.slice(at + 1)
  return command[0] === "{}" ? ["run-parts", ...words.slice(0, 1)] : command
}

/** Folders that a program enters before it does anything else. */
export function enteredBy(argv: readonly string[]): readonly string[] {
  const [program = "", ...rest] = argv
  const name = nameOf(program)
  const long = "--chdir --directory --cwd --wd --working-directory"
  const short = name === "env" || name === "make" || name === "git" ? "-C" : ""
  const attached =
    short === ""
      ? []
      : rest.flatMap((word) => (/^-C./.test(word) ? [word.slice(2).replace(/^=/, "")] : []))
  return [...valuesOf(rest, `${long} ${short}`), ...attached].filter((one) => one !== "")
}

/** Variables that make a program load code, and the paths in their values. */
const loading = new Set(
  (
    "BASH_ENV ENV PYTHONPATH PYTHONSTARTUP PYTHONHOME PERL5LIB PERL5OPT PERLLIB RUBYLIB " +
    "RUBYOPT NODE_OPTIONS " +
    "NODE_PATH LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT CLASSPATH JAVA_TOOL_OPTIONS PHPRC PHP_INI_SCAN_DIR PATH"
  ).split(" "),
)

export function loadedBy(words: readonly string[]): readonly string[] {
  return words.flatMap((word) => {
    const [, name = "", value = ""] = /^([A-Za-z_]\w*)\+?=(.*)$/s.exec(word) ?? []
    if (!loading.has(name)) return []
    return value.split(/[:=,\s]/).filter((part) => part.includes("/") && !part.includes("$"))
  })
}

/** A command that runs as another user has that user's rights, not ours. */
function isOther(user: string | undefined): boolean {
  return user !== undefined && !["root", "0", "#0", ""].includes(user.split(":")[0] ?? "")
}

function userIn(words: readonly string[], options: readonly string[] = []): string | undefined {
  for (const [at, word] of words.entries())
    for (const option of options) {
      if (word === option) return words[at + 1]
      if (word.startsWith(`${option}=`)) return word.slice(option.length + 1)
      if (option.length === 2 && word.startsWith(option)) return word.slice(2)
    }
  return undefined
}

function throughSu(rest: readonly string[]): Named {
  const user = rest.find((word, at) => !word.startsWith("-") && rest[at - 1] !== "-c")
  const text = rest[rest.findIndex((word) => word === "-c" || word === "--command") + 1]
  return isOther(user) || !rest.some((word) => word === "-c" || word === "--command")
    ? { command: [] }
    : { shell: text ?? "" }
}

/** Options may stand in one word: "-ec". */
function throughShell(name: string, rest: readonly string[]): Named {
  const takes = wordsOf(valuedOptions[name] ?? valuedOptions["sh"])
  const loaded: string[] = []
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] ?? ""
    // Each "o" among them takes a word of its own: "-euo pipefail".
    const options = /^[-+]([A-Za-z]+)$/.exec(word)?.[1] ?? ""
    const valued = takes.has(word) ? 0 : options.split("o").length - 1
    if (word.startsWith("-") && options.includes("c"))
      return { shell: textAfter(rest.slice(at + 1 + valued), takes) }
    if (valued > 0) {
      at += valued
      continue
    }
    if (takes.has(word)) loaded.push(...pathsIn(rest[++at]))
    else if (!/^[-+]/.test(word)) return { scripts: [...loaded, word] }
  }
  return { scripts: loaded }
}

/** The value of an option is a file if it is a path; a mere name may be anything. */
function pathsIn(value = ""): readonly string[] {
  return value.includes("/") ? [value] : []
}

function textAfter(rest: readonly string[], takes: ReadonlySet<string>): string {
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] ?? ""
    if (takes.has(word)) at++
    else if (!/^[-+]./.test(word)) return word
  }
  return ""
}

function throughInterpreter(name: string, rest: readonly string[]): Named {
  const [takes, files, texts] = [valuedOptions, fileOptions, textOptions].map((table) =>
    wordsOf(table[name]),
  )
  const loaded: string[] = []
  if (name === "make" && !rest.some((word) => /^(-f|--file|--makefile)/.test(word)))
    return { scripts: ["GNUmakefile", "makefile", "Makefile"] }
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] ?? ""
    if (name === "make" && /^-f./.test(word)) return { scripts: [word.slice(2)] }
    if (texts?.has(word) === true) return { scripts: loaded }
    if (files?.has(word) === true) return { scripts: [...loaded, rest[at + 1] ?? ""] }
    if (takes?.has(word) === true) loaded.push(...pathsIn(rest[++at]))
    else if (word.startsWith("-")) loaded.push(...pathsIn(attachedTo(word)))
    else if (!subcommands.has(word)) return { scripts: [...loaded, word] }
  }
  return { scripts: loaded }
}

/** "--require=./x", "-I/srv/lib". */
function attachedTo(word: string): string | undefined {
  return word.startsWith("--") ? word.split("=")[1] : word.slice(2).replace(/^=/, "")
}

function wordsOf(text = ""): ReadonlySet<string> {
  return new Set(text.split(" ").filter((word) => word !== ""))
}
