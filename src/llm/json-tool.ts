export const jsonToolToText = <T>(a: T): T => a;
export const jsonToolEventsToText = <T>(a: T): T => a;
