import { LabIcon } from '@jupyterlab/ui-components';

/** A box that is sent up. */
export const deployIcon = new LabIcon({
  name: 'jupyter-mldeploy:deploy',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><g class="jp-icon3" fill="#616161">
<path d="M12 2 6.5 7.5l1.4 1.4L11 5.8V15h2V5.8l3.1 3.1 1.4-1.4z"/><path d="M4 12v8h16v-8h-2v6H6v-6z"/></g></svg>`
});
