import { render } from "preact";
import { connect } from "./api/live";
import { loadSession, session } from "./api/session";
import { loadLanguage } from "./messages";
import { startPlayer } from "./player/start";
import { App, NotLoaded } from "./shell/App";
import "./styles/tokens.css";
import "./styles/base.css";
import "./components/buttons.css";
import "./components/popup.css";

async function start(): Promise<void> {
  await Promise.all([loadLanguage(), loadSession()]);
  if (session.value?.role) connect();
  render(<App />, document.getElementById("app") as HTMLElement);
  if (session.value?.role) startPlayer();
}

start().catch(() => render(<NotLoaded />, document.getElementById("app") as HTMLElement));
