/**
 * A text that others wrote, e.g. a gateway into its log, as it may be printed: nothing in it steers the terminal (its title,
 * its clipboard, what is on it already) or hides how it reads. Its lines stay.
 */
export const plain = (text: string): string => text.replace(/[^\P{C}\n\t]/gu, " ");

/** The same in one line. */
export const plainLine = (text: string): string => text.replace(/\p{C}+/gu, " ");
