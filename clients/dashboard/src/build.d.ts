/** What the build puts in. */
declare module "*.css";

/** The tag's stub, as it is pasted into pages. */
declare const TAG_STUB: string;
