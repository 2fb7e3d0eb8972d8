/** The options of `config vpnmonitor 'global'`. */
import {
  DEFAULT_HOOK_TIMEOUT_S,
  MAX_HOOK_TIMEOUT_S,
  MAX_PATH_BYTES,
  MAX_THRESHOLD,
  MIN_THRESHOLD,
} from "../limits";
import { endMistake } from "./mistakes";
import { GlobalConfig } from "./model";
import { Option, optionExample } from "./option";
import {
  badValue,
  flagSetting,
  hookSetting,
  intervalSetting,
  numberSetting,
  setPath,
} from "./setting";
import { wordLength } from "./uci";

/** Sets the option to the statement's value, or reports the mistake. */
export function setGlobalOption(config: GlobalConfig, option: Option): void {
  switch (option) {
    case Option.INTERVAL:
      config.interval_ms = intervalSetting(config.interval_ms);
      break;
    case Option.THRESHOLD:
      config.threshold = numberSetting(option, MIN_THRESHOLD, MAX_THRESHOLD, config.threshold);
      break;
    case Option.HOOK:
      hookSetting(config.hook);
      break;
    case Option.HOOK_TIMEOUT:
      config.hook_timeout_ms =
        1000 * numberSetting(option, 1, MAX_HOOK_TIMEOUT_S, DEFAULT_HOOK_TIMEOUT_S);
      break;
    case Option.VICI:
      setVici(config.vici);
      break;
    default:
      config.recorder = flagSetting(option) > 0;
  }
}

function setVici(field: usize): void {
  if (setPath(field)) return;
  const w = badValue(Option.VICI);
  if (wordLength(2) > MAX_PATH_BYTES) {
    w.text(" is too long for a socket; at most ");
    w.decimal(MAX_PATH_BYTES).text(" bytes are possible");
  } else {
    w.text(" is no absolute path; it is the path of charon's socket, such as ");
    w.text(optionExample(Option.VICI));
  }
  endMistake();
}
