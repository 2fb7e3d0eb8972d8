/**
 * A transform of the compiler: exports every mutable global under its name. Linear memory and
 * these globals are then the whole state of an engine (docs/recording.md, "Snapshots").
 */
import { Transform } from "assemblyscript/transform";

export default class ExportGlobals extends Transform {
  afterCompile(module) {
    for (let i = 0; i < module.getNumGlobals(); i++) {
      const { name, mutable } = this.binaryen.getGlobalInfo(module.getGlobalByIndex(i));
      if (mutable) module.addGlobalExport(name, name);
    }
  }
}
