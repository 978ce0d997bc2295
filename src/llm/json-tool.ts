export const jsonToolText = <T>(a: T): T => a;
export const jsonToolEvents = <T>(a: T): T => a;
