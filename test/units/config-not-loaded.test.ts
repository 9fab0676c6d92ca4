import { expect, test } from "bun:test"
import { binary } from "../support/mycelium.ts"
import { openGenerated } from "../support/generated.ts"
import { until } from "../support/until.ts"

test("a service that has not loaded the config as it is now is named, with what makes it load; a comment is no edit", async () => {
  await using project = await openGenerated()
  const text = project.read("mycelium.yaml")
  const said = async (...args: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await project.mycelium(args)
    return stdout + stderr
  }
  const alarm = "service-config-old: the service (process "
  const child = Bun.spawn([binary, "run", "--json"], {
    cwd: project.folder,
    env: project.environment,
    stdio: ["ignore", "pipe", "ignore"],
  })
  let log = ""
  const reading = (async () => {
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) log += part
  })()
  try {
    await until("it runs", () => log.includes('"started"'))
    project.write("mycelium.yaml", `# a remark\n${text}`)
    for (const command of ["status", "check", "check --quick"])
      expect(await said(...command.split(" "))).not.toContain(alarm)
    project.write("mycelium.yaml", text.replace("90d", "80d"))
    expect(project.read("mycelium.yaml")).toContain("80d")
    for (const command of ["status", "check", "check --quick"]) {
      const words = await said(...command.split(" "))
      expect(words).toContain(`${alarm}${child.pid})`)
      expect(words).toContain(`kill -HUP ${child.pid}`)
    }
    child.kill("SIGHUP")
    await until("it has loaded it", () => log.includes('"reloaded"'))
    for (const command of ["status", "check", "check --quick"])
      expect(await said(...command.split(" "))).not.toContain(alarm)
    project.write("mycelium.yaml", text)
    // Killed, it leaves its mark: no process is named for it.
    child.kill("SIGKILL")
    await child.exited
    expect(await said("status")).not.toContain(alarm)
  } finally {
    child.kill("SIGKILL")
    await child.exited
    await reading
  }
}, 60_000)
