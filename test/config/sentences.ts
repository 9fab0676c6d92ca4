import { describe, expect, test } from "bun:test"
import { environment, told } from "./fake-plugins.ts"

/** What people are told, sentence by sentence: the config, and all that is said about it. */

export const one = "secrets: { db: generated }"
export const output = (options: string): string =>
  environment(`${one}\noutputs: [{ dotenv: .env, ${options} }]`)
export const deployment = (options: string): string =>
  environment(`${one}\ndeployments:\n  api: ${options}`)
export const byReference =
  "a credential comes by reference, never as text: { file: … }, { env: … }, { command: " +
  "[ … ] }, { vault: { … } }, { aws_secret: { … } }, { aws_parameter: { … } }, { azure_secret: { … } } or { google_secret: { … } }"
export const drivers = "expected one of generated, postgres, exec"

export type Sentences = Readonly<
  Record<string, readonly (readonly [name: string, text: string, message: string])[]>
>

export function testSentences(cases: Sentences): void {
  describe.each(Object.entries(cases))("%s", (_, group) => {
    test.each(group)("%s", (_name, text, message) => {
      expect(told(text)).toBe(message)
    })
  })
}
