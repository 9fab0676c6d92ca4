/** What `present` leaves of `Properties`: those that have a value. */
type Present<Properties> = { [Name in keyof Properties]?: Exclude<Properties[Name], undefined> }

/**
 * The properties that are not undefined, to be spread: an optional property is then left out, as
 * `exactOptionalPropertyTypes` asks, without a condition at each place.
 */
export function present<Properties extends object>(properties: Properties): Present<Properties> {
  return Object.fromEntries(
    Object.entries(properties).filter(([, value]) => value !== undefined),
  ) as Present<Properties>
}
