// Stands in for Turnstile's api.js: the parts of its interface that a page uses, with a frame of the
// same host that finds a person in whoever comes. Each token is good for one use.
(() => {
    'use strict';
    const widgets = new Map();
    const own = document.currentScript;
    let count = 0;

    function frame() {
        const element = document.createElement('iframe');
        element.src = new URL('widget.html', own.src).href;
        element.title = 'Widget containing a Cloudflare security challenge';
        element.width = 300;
        element.height = 65;
        return element;
    }

    function challenge(id) {
        const widget = widgets.get(id);
        widget.token = undefined;
        widget.frame.remove();
        widget.frame = frame();
        widget.container.append(widget.frame);
    }

    window.addEventListener('message', (event) => {
        for (const widget of widgets.values()) {
            if (event.source === widget.frame.contentWindow) {
                widget.token = event.data.token;
                widget.options.callback?.(widget.token);
            }
        }
    });

    window.turnstile = {
        ready(callback) {
            callback();
        },
        render(container, options) {
            const element = typeof container === 'string' ? document.querySelector(container) : container;
            const id = `cf-chl-widget-${++count}`;
            widgets.set(id, { container: element, options, frame: frame() });
            challenge(id);
            return id;
        },
        reset(id = widgets.keys().next().value) {
            challenge(id);
        },
        remove(id) {
            widgets.get(id)?.frame.remove();
            widgets.delete(id);
        },
        getResponse(id = widgets.keys().next().value) {
            return widgets.get(id)?.token;
        },
        isExpired() {
            return false;
        },
        execute() {},
    };

    const onload = new URL(own.src).searchParams.get('onload');
    if (onload) {
        window[onload]();
    }
})();
