/** The stub as it is pasted into a page; the build leaves a place for the script's address. */
import { install } from "./stub.js";

install("SCRIPT_URL");
