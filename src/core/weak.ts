/** Values that stand in images, tutorials and lists of leaked passwords. */
const wellKnown = new Set([
  "postgres",
  "password",
  "changeme",
  "change-me",
  "secret",
  "admin",
  "root",
  "redis",
  "example",
  "test",
  "letmein",
  "default",
  "temporal",
  "passw0rd",
  "mysecretpassword",
])

/** Below this many bits a value is guessed offline within hours. */
const fewestBits = 60

/**
 * True for a value that is well known, or holds under 60 bits even if each of its characters was
 * drawn at random from the classes that it shows. An upper bound: a sentence may pass, a short
 * password never does.
 */
export function isWeak(value: string): boolean {
  if (wellKnown.has(value.toLowerCase())) return true
  const classes = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9]/]
  const sizes = [26, 26, 10, 33]
  const alphabet = sizes.reduce(
    (sum, size, index) => sum + (classes[index]?.test(value) === true ? size : 0),
    0,
  )
  // Repeats add nothing: "aaaaaaaaaaaaaaaaaaaa" is one character.
  return (
    Math.min(value.length, new Set(value).size * 2) * Math.log2(Math.max(2, alphabet)) < fewestBits
  )
}
