/** One step forward of the schema. Once released it is never changed: a later step corrects it. */
export interface Migration {
  /** From 1, without gaps. */
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}
