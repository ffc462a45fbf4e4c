// The islands: each looks for its own element and does nothing on a page without it.
import { startKeys } from "./keys";
import { startLineage } from "./lineage";
import { startLive } from "./live";
import { startRun } from "./run";
import { startSwitch } from "./switch";
import { startTimes } from "./times";

startSwitch();
startTimes(document);
startLive();
startRun();
startLineage();
startKeys();
