import { join } from "node:path"

/**
 * The way that a script takes: a value from `secrets`, a JSON file and a `.env`, both chmod'ed,
 * nothing synced. `rotate` does a number of them and resolves when they are done.
 */
export async function seedRotation(
  folder: string,
): Promise<{ rotate(count: number): Promise<void>; stop(): Promise<void> }> {
  const child = Bun.spawn(
    ["python3", "-c", program, join(folder, "peer.json"), join(folder, "peer.env")],
    { stdin: "pipe", stdout: "pipe", stderr: "inherit" },
  )
  const answers = child.stdout.pipeThrough(new TextDecoderStream()).getReader()
  return {
    rotate: async (count) => {
      child.stdin.write(`${count}\n`)
      await child.stdin.flush()
      const { value } = await answers.read()
      if (value?.trim() !== `${count} different`)
        throw new Error(`the peer did not rotate: ${value ?? "it ended"}`)
    },
    stop: async () => {
      await child.stdin.end()
      await child.exited
    },
  }
}

const program = `
import json, os, secrets, string, sys, time
state_file, env_file = sys.argv[1:]
alphabet = string.ascii_letters + string.digits + "-._"
def value():
    while True:
        text = "".join(secrets.choice(alphabet) for _ in range(32))
        if any(c.islower() for c in text) and any(c.isupper() for c in text) and any(c.isdigit() for c in text) and len(set(text)) >= 20:
            return text
def rotate():
    try:
        with open(state_file) as f: state = json.load(f)
    except FileNotFoundError:
        state = {"history": []}
    state["history"] = state["history"][-9:] + [state.get("current")]
    state["current"] = {"value": value(), "at": time.time()}
    with open(state_file, "w") as f: json.dump(state, f, indent=1)
    os.chmod(state_file, 0o600)
    with open(env_file, "w") as f: f.write("KEY=" + state["current"]["value"] + "\\n")
    os.chmod(env_file, 0o600)
    return state["current"]["value"]
for line in sys.stdin:
    made = {rotate() for _ in range(int(line))}
    sys.stdout.write(f"{len(made)} different\\n")
    sys.stdout.flush()
`
