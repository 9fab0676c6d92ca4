import { join } from "node:path"
import { askProgram, output } from "./ask.ts"
import { askDocker } from "./docker.ts"
import { debianReaders, go, java, npm, programs } from "./fetch.ts"
import { askGithub } from "./github.ts"
import {
  type Real,
  denoShows,
  direnv,
  inChunks,
  ofGo,
  ofNpm,
  ofPhp,
  ofPython,
  ofRuby,
  ofRust,
  ofShell,
  ofSystem,
  shows,
  systemdLibraries,
  withEnvFiles,
  withFolder,
} from "./real.ts"

/** Every program that is asked how it reads a `.env` file. */

export const catalogue: readonly Real[] = [
  ...["dotenv", "dotenv17", "dotenv16", "dotenv14", "dotenv8"].map((name) =>
    ofNpm(
      name === "dotenv" ? "dotenv 18" : name.replace(/(\d+)$/, " $1"),
      name,
      name === "dotenv8" || name === "dotenv14" ? [] : ["dotenv"],
    ),
  ),
  ofNpm("dotenvx", "dotenvx", []),
  ofNpm("dotenv-flow", "dotenv-flow", []),
  ofNpm("env-cmd", "env-cmd", []),
  ofNpm("node foreman", "foreman", []),
  ofNpm("dotenv-expand", "dotenv-expand", ["expand"]),
  ofNpm("next", "next", ["expand"]),
  ofNpm("vite", "vite", ["expand"]),
  ofSystem("node parseEnv", ["node"], ["node", join(programs, "read.cjs"), "parseEnv", programs]),
  ofSystem(
    "node loadEnvFile",
    ["node"],
    ["node", join(programs, "read.cjs"), "loadEnvFile", programs],
  ),
  withEnvFiles("node --env-file", ["node"], () => Bun.which("node"), ["-e", shows]),
  withEnvFiles("bun --env-file", ["bun"], () => process.execPath, ["-e", shows]),
  {
    name: "deno --env-file",
    own: [],
    ready: async () =>
      withFolder(
        await npm(),
        ({ folder }) =>
          (paths, cwd) =>
            inChunks(paths, (some) =>
              output(
                [
                  join(folder, "node_modules/@deno/linux-x64-glibc/deno"),
                  "eval",
                  "--no-config",
                  ...some.map((path) => `--env-file=${path}`),
                  denoShows,
                ],
                { cwd, env: { DENO_DIR: join(cwd, "../deno"), DENO_NO_UPDATE_CHECK: "1" } },
              ),
            ),
      ),
  },
  ofPython("python-dotenv 1.2", "dotenv", ["python"]),
  ofPython("python-dotenv 0.21", "dotenv", ["python"], "old"),
  ofPython("environs", "environs", ["python"]),
  ofPython("pydantic-settings", "pydantic", ["python"]),
  ofPython("dynaconf", "dynaconf", []),
  ofPython("django-environ", "django_environ", []),
  ofPython("python-decouple", "decouple", []),
  ofPython("honcho", "honcho", []),
  ofPython("starlette", "starlette", []),
  ofSystem(
    "systemd EnvironmentFile",
    ["systemd"],
    ["python3", join(programs, "read.py"), "systemd"],
    systemdLibraries.length > 0 ? undefined : "systemd is not there",
  ),
  ofGo("compose env_file", "compose-env-file", ["compose"]),
  ofGo("compose .env", "compose-interpolation", ["compose"]),
  ofGo("godotenv", "godotenv", []),
  ofGo("gotenv (viper)", "gotenv", []),
  ofGo("go-envparse", "envparse", []),
  {
    name: "docker create",
    own: ["docker"],
    local: true,
    few: 0,
    ready: () =>
      Promise.resolve(
        Bun.which("docker") === null
          ? { why: "docker is not on the PATH" }
          : (paths, cwd) => askDocker(paths, cwd),
      ),
  },
  ofGo("docker opts", "docker", ["docker"]),
  {
    name: "kubectl",
    own: ["docker"],
    ready: async () =>
      withFolder(
        await go("kubectl"),
        ({ folder }) =>
          (paths, cwd) =>
            askProgram([join(folder, "reader")], paths, { cwd }),
      ),
  },
  ofRust("dotenvy"),
  ofRust("dotenv"),
  ofRuby("ruby dotenv", "dotenv"),
  ofRuby("ruby foreman", "foreman"),
  ofPhp("phpdotenv", "vlucas"),
  ofPhp("symfony dotenv", "symfony"),
  {
    name: "dotenv-java",
    own: [],
    ready: async () =>
      withFolder(
        await java(),
        ({ folder }) =>
          (paths, cwd) =>
            askProgram(
              [
                "java",
                "-Dfile.encoding=UTF-8",
                "-cp",
                `${folder}:${join(folder, "dotenv-java-3.2.0.jar")}`,
                "Read",
              ],
              paths,
              { cwd },
            ),
      ),
  },
  {
    name: "direnv",
    own: [],
    few: 200,
    ready: async () =>
      withFolder(
        await debianReaders(),
        ({ folder }) =>
          (paths, cwd) =>
            direnv(join(folder, "usr/bin/direnv"), paths, cwd),
      ),
  },
  ofShell("dash", ["dash"], "source", ["shell"]),
  ofShell("bash", ["bash"], "source", ["shell"]),
  ofShell("zsh", ["zsh"], "source", ["shell"]),
  ofShell("mksh", ["mksh"], "source", ["shell"]),
  ofShell("busybox sh", ["busybox", "sh"], "source", ["shell"]),
  { ...ofShell("export $(… | xargs)", ["dash"], "xargs", []), few: 200 },
  { ...ofShell("env $(cat …)", ["dash"], "env-cat", []), few: 200 },
  ofShell("while read", ["dash"], "while-read", ["docker"]),
  { ...ofShell("make include", ["dash"], "make", []), few: 200 },
  {
    name: "$GITHUB_ENV (rules)",
    own: ["github"],
    local: true,
    ready: () => Promise.resolve((paths) => Promise.resolve(askGithub(paths))),
  },
]
