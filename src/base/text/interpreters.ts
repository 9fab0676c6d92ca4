import { isAssignment } from "./shell-line.ts"

/**
 * Programs that run another file or command which their arguments name, known by their names: where
 * in the arguments it stands.
 */

/** What the arguments of one program lead to. */
export type Named =
  /** A command of its own: "nice -n 5 PROGRAM …". */
  | { readonly command: readonly string[] }
  /** A text for the shell. */
  | { readonly shell: string }
  /** Files that are run or loaded as code. */
  | { readonly scripts: readonly string[] }

/** `valued`: options whose value is the next argument. */
type Wrapper = {
  readonly valued?: string
  /** Arguments that stand before the command, besides options: the time of `timeout`. */
  readonly before?: number
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
  flock: { valued: "-w --timeout -E --conflict-exit-code", before: 1 },
  tini: { valued: "-p -e" },
  "dumb-init": { valued: "-r" },
  busybox: {},
  exec: { valued: "-a" },
  command: {},
  builtin: {},
  "systemd-run": {
    valued: "-p --property -u --unit -E --setenv --uid --gid --slice --description",
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
  const wrapper = wrappers[name]
  if (wrapper !== undefined) return throughWrapper(wrapper, rest)
  if (shells.has(name)) return throughShell(name, rest)
  return valuedOptions[name] === undefined ? undefined : throughInterpreter(name, rest)
}

/** "python3.11" is python; "bash-5.2" is bash. */
function nameOf(program: string): string {
  const name = program.slice(program.lastIndexOf("/") + 1)
  const plain = name.replace(/[-\d.]+$/, "")
  return plain === "" ? name : plain
}

function throughWrapper({ valued, before = 0, user }: Wrapper, rest: readonly string[]): Named {
  const takes = wordsOf(valued)
  let at = 0
  let first: string | undefined
  for (let left = before; at < rest.length; at++) {
    const word = rest[at] ?? ""
    const split = /^(?:-S|--split-string=?|-vS)(.*)$/.exec(word)
    if (split !== null) return { shell: [split[1], ...rest.slice(at + 1)].join(" ") }
    if (word === "-c" && before > 0 && !takes.has("-c")) return { shell: rest[at + 1] ?? "" }
    if (takes.has(word)) at++
    else if (word.startsWith("-") || isAssignment(word)) continue
    else if (left > 0) {
      first ??= word
      left--
    } else break
  }
  const as = user === "first" ? first : userIn(rest.slice(0, at), user)
  return { command: isOther(as) ? [] : rest.slice(at) }
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
    if (/^-[A-Za-z]*c[A-Za-z]*$/.test(word)) return { shell: textAfter(rest.slice(at + 1), takes) }
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
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] ?? ""
    if (texts?.has(word) === true) return { scripts: loaded }
    if (files?.has(word) === true) return { scripts: [...loaded, rest[at + 1] ?? ""] }
    if (takes?.has(word) === true) loaded.push(...pathsIn(rest[++at]))
    else if (word.startsWith("-")) loaded.push(...pathsIn(word.split("=")[1]))
    else if (!subcommands.has(word)) return { scripts: [...loaded, word] }
  }
  return { scripts: loaded }
}

function wordsOf(text = ""): ReadonlySet<string> {
  return new Set(text.split(" ").filter((word) => word !== ""))
}
