/**
 * What a template shows of a version. One that has no previous value (a first one, one that was
 * adopted, one made in an incident) shows its own in its place: an empty key would be a key that
 * everybody knows.
 */
export function shownField<Value>(
  fields: Readonly<Record<string, Value>>,
  field: string,
): Value | undefined {
  if (Object.hasOwn(fields, field)) return fields[field]
  return field === "previous" && Object.hasOwn(fields, "password") ? fields["password"] : undefined
}

const before = "previous."

/**
 * `previous.user` → `user`: a field of the version that lives beside the one that is shown;
 * undefined for one of its own.
 */
export function previousField(field: string): string | undefined {
  return field.startsWith(before) ? field.slice(before.length) : undefined
}
