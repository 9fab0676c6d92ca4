import { expect, test } from "bun:test"
import { dotenv } from "../../../../src/plugins/outputs/dotenv/index.ts"

function problems(reader: string, template: string): readonly string[] {
  const options = dotenv.options.parse({
    dotenv: ".env",
    for: reader,
    variables: { URL: template },
  })
  return dotenv
    .inspect(options)
    .problems.map(({ path, message }) => `${path.join(".")}: ${message}`)
}

test.each([
  [
    "docker",
    "a\n{{ db.password }}",
    "variables.URL: this text cannot be written for docker: it holds a line break",
  ],
  ["github", "{{ db.user }}\n{{ db.password }}", "line break"],
  ["portable", "user={{ db.user }} password={{ db.password }}", "for:"],
  ["expand", "$({{ db.password }})", "runs"],
  ["python", "${HOME}/{{ db.password }}", "${"],
] as const)(
  "what can never be written for %s is an error of the config: %j",
  (reader, template, message) => {
    expect(problems(reader, template).join()).toContain(message)
  },
)

test.each([
  ["docker", "user={{ db.user }} password={{ db.password }}"],
  ["compose", "a\n'{{ db.password }}'\"$`\\"],
  [
    "portable",
    "postgresql://{{ db.user }}:{{ db.password | url_encode }}@db:5432/shop?sslmode=require",
  ],
  ["portable", "{% if db.password == 'x' %}a b{% endif %}{{ db.password }}"],
] as const)("what may well be written for %s is none: %j", (reader, template) => {
  expect(problems(reader, template)).toEqual([])
})
