/**
 * Text that others wrote, e.g. a gateway's log, made safe to print: nothing in it controls the terminal (its title,
 * its clipboard, what is already on it) or disguises the text. Line breaks stay.
 */
export const plain = (text: string): string => text.replace(/[^\P{C}\n\t]/gu, " ");

/** The same in one line. */
export const plainLine = (text: string): string => text.replace(/\p{C}+/gu, " ");
