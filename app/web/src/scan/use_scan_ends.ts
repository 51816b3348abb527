import { useEffect, useRef, useState } from "preact/hooks";
import { scanProgress } from "../api/live";
import { isBusy, isScanning } from "./progress";

/**
 * Return how many scans have ended since the view appeared, and how often the analysis, which finds the covers as well:
 * what the view shows may be another thing then.
 */
export function useScanEnds(): number {
  return useEnds(isScanning(scanProgress.value)) + useEnds(isBusy(scanProgress.value));
}

function useEnds(isRunning: boolean): number {
  const wasRunning = useRef(isRunning);
  const [ends, setEnds] = useState(0);
  useEffect(() => {
    if (wasRunning.current && !isRunning) setEnds((before) => before + 1);
    wasRunning.current = isRunning;
  }, [isRunning]);
  return ends;
}
