import { useEffect, useRef, useState } from "preact/hooks";
import { scanProgress } from "../api/live";
import { isScanning } from "./progress";

/** Return how many scans have ended since the view appeared: what it shows may be another thing then. */
export function useScanEnds(): number {
  const isRunning = isScanning(scanProgress.value);
  const wasRunning = useRef(isRunning);
  const [ends, setEnds] = useState(0);
  useEffect(() => {
    if (wasRunning.current && !isRunning) setEnds((before) => before + 1);
    wasRunning.current = isRunning;
  }, [isRunning]);
  return ends;
}
