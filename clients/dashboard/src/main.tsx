/** Starts the page. */
import "uplot/dist/uPlot.min.css";
import "./style/base.css";
import "./style/layout.css";
import "./style/parts.css";
import { render } from "preact";
import { App } from "./app";
import { followTheme } from "./theme";

followTheme();
const place = document.getElementById("app");
if (place) render(<App />, place);
