import type { ICommandPalette } from '@jupyterlab/apputils';
import type { ILauncher } from '@jupyterlab/launcher';
import type { IMainMenu } from '@jupyterlab/mainmenu';
import type { CommandRegistry } from '@lumino/commands';
import { Menu } from '@lumino/widgets';
import type { Catalogue } from './catalogue';
import { CommandIDs } from './tokens';

const GROUPS: string[][] = [
  [CommandIDs.showPanel, CommandIDs.deployFile, CommandIDs.deployCell],
  [
    CommandIDs.openLog,
    CommandIDs.reload,
    CommandIDs.start,
    CommandIDs.stop,
    CommandIDs.scale,
    CommandIDs.update,
    CommandIDs.remove
  ],
  [CommandIDs.openExample, CommandIDs.openSettings]
];

/** The commands where people look for them; what a command needs and is not told, it asks for. */
export function addMenus(
  commands: CommandRegistry,
  trans: Catalogue,
  palette: ICommandPalette | null,
  menu: IMainMenu | null,
  launcher: ILauncher | null
): void {
  const label = trans.__('Deployed models');
  for (const command of GROUPS.flat()) {
    palette?.addItem({ command, category: label, args: { isPalette: true } });
  }
  if (menu) {
    const submenu = new Menu({ commands });
    submenu.title.label = label;
    GROUPS.forEach((group, i) => {
      if (i) {
        submenu.addItem({ type: 'separator' });
      }
      group.forEach(command => submenu.addItem({ command, args: { isPalette: true } }));
    });
    menu.runMenu.addGroup([{ type: 'submenu', submenu }], 90);
  }
  launcher?.add({ command: CommandIDs.openExample, args: { isLauncher: true }, category: 'Other', rank: 90 });
}
